"""What people use: the command line, and later the chat, the API and batch runs."""
