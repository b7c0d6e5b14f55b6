"""Programs beside the package: each runs from the repository, none is part of it."""
