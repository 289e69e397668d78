"""Import of other people's price files into files of the exchange's form."""
