"""The studio: a page in which a person looks at what was found and mended, decides, and mends by hand.

`serving.serve` opens a project and serves it; `app.make_app` is the whole of what is served: the page's files from `page/`, and under
`/api` what it asks for (docs/studio-api.md). All that is decided lies in the ledger; nothing but caches and the running job lives here.
"""
