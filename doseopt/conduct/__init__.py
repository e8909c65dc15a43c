"""What a running trial needs."""
