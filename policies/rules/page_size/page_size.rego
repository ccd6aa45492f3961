# METADATA
# title: The segments do not fit the nodes' page size
# description: >-
#   A loadable segment is aligned to less than the page size of the nodes (4 KiB builds on kernels with 16 or 64 KiB
#   pages), or the allocator was built for smaller pages. If the page size is unknown, this is a note.
# custom:
#   code: page_size
#   remedy: link with -z max-page-size=65536, or build the allocator for 64 KiB pages
#   asks: prediction
#   looks_at: []
package elfgate.rules.page_size

import data.elfgate.lib.found

findings := found.by_code.page_size
