"""Share an API client and process helpers between the development server and the tests."""
