"""What a report assumes of prices and machines, unless it is told otherwise."""

PRICE = 0.90
"""price of one hour of evaluation cost in USD: AWS p2.xlarge, as in the SigOpt talk"""
WORKERS = 20
"""machines among which the cost of a serial run is divided, as in the talk"""
