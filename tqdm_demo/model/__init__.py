"""The tqdm model. Importing the package registers the bundled CLIPs' image towers with timm."""

from tqdm_demo.model import lite0_vit as lite0_vit
from tqdm_demo.model import streets_vit as streets_vit
