"""Who may join a store: certificate authority, enrolment and the technician's tools."""
