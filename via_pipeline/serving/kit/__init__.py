"""The connection kit: files and steps with which BI tools read ``serve/latest``.

Belongs here: one module per kind of file, their templates, writing them together. Does not belong
here: the release itself (``serving.publish``), words of tables (``disclosure.dictionary``).
"""
