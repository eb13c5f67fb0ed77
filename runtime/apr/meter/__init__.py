"""The meter: how far a student's trace agrees with its teacher's, and where it does not."""
