"""What a named person decides in the browser: the same rules and the same records as the commands."""
