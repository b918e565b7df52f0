"""Files that people upload, and those of other servers that readers here see: told apart, worked on, kept, served.

Nothing is believed that the sender says of a file: neither its name nor its type, only its first bytes; and what is
shown is always made anew from what was sent, by a process of its own with little memory and time.
"""
