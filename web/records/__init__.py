"""What an auditor reads: the verified audit log, and who looked at which case."""
