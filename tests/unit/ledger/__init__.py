"""The fold, its definition and its clock fits."""
