"""The figures: each is measured afresh and printed with the machine's core count. `python -m bench`."""
