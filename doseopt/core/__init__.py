"""The trial, the rule, the answer: what everything else speaks of."""
