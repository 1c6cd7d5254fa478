"""Identity over HTTP: parse, call one service, render."""
