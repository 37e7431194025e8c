"""The tqdm model. Importing the package registers the bundled CLIP's image tower with timm."""

from tqdm_demo.model import streets_vit as streets_vit
