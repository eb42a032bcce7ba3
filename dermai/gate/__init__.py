"""The promotion gate: exact and paired statistics, the policy, the test-set ledger, the decision."""
