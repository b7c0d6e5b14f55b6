"""A web page on which one hears and sees what a model does."""
