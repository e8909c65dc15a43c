"""An amendment justified: registered against amended, given the data so far."""
