"""A station's side of enrolment: the identity it makes, keeps, renews, and the hub it trusts with it."""
