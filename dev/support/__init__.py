"""What the development server and the tests share: an API client and the lifetime of processes."""
