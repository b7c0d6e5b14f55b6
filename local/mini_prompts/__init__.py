"""Human telephone prompts from a Debian package, and phrases joined from them."""
