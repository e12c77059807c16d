"""Reports: the command ``tipi runs plot``; what it draws with is imported when it is called."""

REQUIRES = {"plotille": 'pip install "torch-tipi[plots]"'}
