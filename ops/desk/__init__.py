"""The desk: everything that a person can do or ask, once, whoever asks: the command line, the API, a console.

`ACTS` (in `ops.desk.acts`) is the table of it: a name, the role that it takes, the form of what it is told, the
function that does it, and its place in the HTTP API. `Desk.do` here and `ops.desk.client.Remote.do` far away take the
same names and give the same replies.
"""
