"""The accounts of the service, managed in the browser by those who may: the same functions as `dermai account`."""
