"""The paper's experiment: architectures and training strategies compared on the test patients of one source."""
