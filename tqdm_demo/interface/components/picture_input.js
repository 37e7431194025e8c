// gradio drops a file that the browser does not call an image: one without an extension, or of a
// kind that the system does not know. Here every file passes, and the server looks into it.

const isCalledImage = (file) => file.type.startsWith("image/");

function calledImages(files) {
  const list = new DataTransfer();
  for (const file of files) {
    list.items.add(isCalledImage(file) ? file : new File([file], file.name, { type: "image/x" }));
  }
  return list;
}

// The document comes before gradio's own listeners.
document.addEventListener("change", (event) => {
  const field = event.target;
  if (!field.matches("#picture input[type=file]") || [...field.files].every(isCalledImage)) return;
  field.files = calledImages(field.files).files;
}, true);

document.addEventListener("drop", (event) => {
  const files = [...(event.dataTransfer?.files ?? [])];
  if (!event.target.closest("#picture") || files.every(isCalledImage)) return;
  event.preventDefault();
  event.stopPropagation();
  const dataTransfer = calledImages(files);
  const again = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
  event.target.dispatchEvent(again);
}, true);
