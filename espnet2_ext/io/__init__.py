"""Files: whole or not there, tables, the memory of what is done, safe reading."""
