"""What the suite would let pass: small changes of the code, and the tests that notice them."""
