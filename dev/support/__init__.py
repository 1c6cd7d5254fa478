"""What the development server and the tests share.

An API client and the lifetime of processes.
"""
