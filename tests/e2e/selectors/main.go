// Judges pods against nodes with Kubernetes' own code, to compare ours with.
//
// Reads {"pods": [Pod...], "nodes": [Node...]} from standard input and writes, for each pod, one line of a 0 or 1 for
// each node: whether the pod may land there.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

type question struct {
	Pods  []v1.Pod  `json:"pods"`
	Nodes []v1.Node `json:"nodes"`
}

// Numeric tolerations are behind a feature gate; an object that uses them exists only where it is on.
const comparisonOperators = true

func main() {
	var asked question
	if err := json.NewDecoder(bufio.NewReader(os.Stdin)).Decode(&asked); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for i := range asked.Pods {
		for j := range asked.Nodes {
			if admits(&asked.Pods[i], &asked.Nodes[j]) {
				out.WriteByte('1')
			} else {
				out.WriteByte('0')
			}
		}
		out.WriteByte('\n')
	}
}

// admits does what the scheduler's plug-ins NodeName, NodeAffinity, NodeUnschedulable and TaintToleration do, and for a
// pod that names its node, what the kubelet does.
func admits(pod *v1.Pod, node *v1.Node) bool {
	named := pod.Spec.NodeName != ""
	if named && pod.Spec.NodeName != node.Name {
		return false
	}
	// As the scheduler does, ignore the error: what cannot be parsed does not match.
	if selected, _ := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node); !selected {
		return false
	}
	logger := klog.Background()
	counts := func(taint *v1.Taint) bool {
		return taint.Effect == v1.TaintEffectNoExecute || (!named && taint.Effect == v1.TaintEffectNoSchedule)
	}
	if _, untolerated := corev1.FindMatchingUntoleratedTaint(
		logger, node.Spec.Taints, pod.Spec.Tolerations, counts, comparisonOperators); untolerated {
		return false
	}
	cordon := v1.Taint{Key: v1.TaintNodeUnschedulable, Effect: v1.TaintEffectNoSchedule}
	return named || !node.Spec.Unschedulable ||
		corev1.TolerationsTolerateTaint(logger, pod.Spec.Tolerations, &cordon, comparisonOperators)
}
