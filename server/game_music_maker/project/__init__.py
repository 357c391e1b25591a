"""The rules of the work: projects, conversations, exports, jobs. Shared by tools and commands; never imports
mcp."""
