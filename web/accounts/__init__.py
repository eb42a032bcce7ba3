"""Who may do what: roles, accounts, passwords, sessions, throttled sign-in; and who saw which case."""
