"""Documents of a version that others read by program or file: each is filled from the signed records, or visibly empty.

None of them holds anything of a patient, nor the name of a person: who decided stands in the log, under the number of
the record that a document names.
"""
