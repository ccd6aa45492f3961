# METADATA
# title: Documents for tests
# description: Small documents as the prediction would hand them over.
# custom:
#   looks_at: []
package elfgate.lib.sample

# One finding of a rule, and one of another.
found(code, effect) := {
	"code": code,
	"path": "/app",
	"message": concat(" ", ["/app:", code]),
	"remedy": concat(" ", ["repair", code]),
	"effect": effect,
	"reason": reasons[effect],
}

reasons := {"fails": "", "unknown": "not_scanned", "note": "", "violates": ""}

verdicts := {"fails": "cannot-start", "unknown": "unknown", "note": "starts"}

# The prediction for a container on an architecture: the codes that were found, with what they mean for the start.
predicted(container, architecture, effect, codes) := {
	"container": container,
	"platform": concat("/", ["linux", architecture]),
	"verdict": verdicts[effect],
	"variant": {"id": "alpine", "version": "3.20", "libc": "musl"},
	"findings": [found(code, effect) | some code in codes],
	"alternatives": [],
}

starts(container, architecture) := object.union(
	predicted(container, architecture, "note", []),
	{"verdict": "starts"},
)

# A pod that may land on these architectures, with its containers as the linkages name them.
document(architectures, linkages) := {
	"version": 2,
	"request": {
		"point": "pod",
		"operation": "CREATE",
		"kind": "Pod",
		"namespace": "shop",
		"name": "web",
		"dry_run": false,
		"every_node": false,
		"today": "2026-01-01",
	},
	"targets": [target |
		some architecture in architectures
		target := {
			"platform": concat("/", ["linux", architecture]),
			"architecture": architecture,
			"nodes": 1,
			"names": [concat("-", [architecture, "1"])],
		}
	],
	"containers": [container |
		some name in sort({linkage.container | some linkage in linkages})
		container := {
			"name": name,
			"role": "main",
			"image": concat("", ["example/", name, ":1"]),
			"repository": concat("", ["example/", name]),
			"tag": "1",
			"digest": "",
		}
	],
	"linkages": linkages,
}

# What one rule is asked about in its own test: a finding of its, and one of another rule.
one(code, effect) := document(["ppc64le"], [predicted("web", "ppc64le", effect, [code, "another"])])
