"""The store hub: takes in the stations' logs, folds them into stock, and speaks with head office."""
