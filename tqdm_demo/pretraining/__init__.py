"""What the CLIP pre-training needs: pictures, views, captions of regions, optimiser steps."""
