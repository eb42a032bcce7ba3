"""What every page has: who may see it, the protection of its forms, the frame around it, and what is said on errors."""
