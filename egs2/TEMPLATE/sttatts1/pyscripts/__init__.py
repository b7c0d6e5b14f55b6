"""Parts of the template's stages that are easier to read in Python."""
