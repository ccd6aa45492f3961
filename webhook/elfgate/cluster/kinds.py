"""Which kinds hold pod templates, and where: a table, which settings extend.

Sources: the Kubernetes API reference, and the API references of the projects whose groups are
named.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

EACH = "*"  # in a path: each element of a list, or each value of a map


def parse_path(value: object) -> object:
    """Read ``spec.tasks[*].template`` as the steps of a path; leave a list of steps as it is."""
    if not isinstance(value, str):
        return value
    return tuple(step for step in value.replace("[*]", f".{EACH}").split(".") if step)


def _group(text: str) -> str:
    """Take an API group, which is a DNS subdomain; its version stands elsewhere."""
    if text and not _GROUP.fullmatch(text):
        raise ValueError(f"{text!r} is no API group: write it without a version, such as apps")
    return text


def _kind(text: str) -> str:
    """Take a kind, which Kubernetes writes in CamelCase."""
    if not _KIND.fullmatch(text):
        raise ValueError(f"{text!r} is no kind: a kind begins with a capital, as in Deployment")
    return text


def _steps(path: tuple[str, ...]) -> tuple[str, ...]:
    """Take the steps of a path, each the name of a field."""
    for step in path:
        if step != EACH and not _FIELD.fullmatch(step):
            raise ValueError(f"{step!r} is no field: write spec.tasks[*].template, or a list")
    return path


_GROUP = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]*")
_FIELD = re.compile(r"[A-Za-z0-9][-_A-Za-z0-9]*")  # of a map, a key may begin with a digit

Holds: TypeAlias = Literal["template", "spec", "object", "argo", "tekton"]


@dataclass(frozen=True, slots=True)
class Template:
    """A place where a kind holds what pods are made of.

    A kind may have several; what is absent is passed over.

    Attributes:
        group: The API group; empty for the core group.
        kind: Such as ``Deployment``.
        path: The steps to it, ``*`` for each element of a list or value of a map; empty for the
            object itself.
        every_node: It runs on every node that it selects, not on any one.
        holds: A PodTemplateSpec (with a PodSpec in ``spec``), a PodSpec, a whole object, a template
            of Argo Workflows, or a task of Tekton.
        partial: A controller adds to it: what is started is decided elsewhere too.
        movable: Where it runs is decided elsewhere too.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # settings are read into these rows

    group: Annotated[str, AfterValidator(_group)]
    kind: Annotated[str, Field(min_length=1), AfterValidator(_kind)]
    path: Annotated[tuple[str, ...], BeforeValidator(parse_path), AfterValidator(_steps)]
    every_node: bool = False
    holds: Holds = "template"
    partial: bool = False
    movable: bool = False


def _rows(
    group: str,
    kinds: str,
    *paths: str,
    every_node: bool = False,
    holds: Holds = "template",
    partial: bool = False,
    movable: bool = False,
) -> Iterator[Template]:
    for kind in kinds.split():
        for path in paths:
            steps = tuple(step for step in path.replace("[*]", ".*").split(".") if step)
            yield Template(group, kind, steps, every_node, holds, partial, movable)


_SPEC = "spec.template"
_POD = "spec.podTemplate"
_ON_EACH = "spec.daemonSet.podTemplate"
_AGENT = ("spec.deployment.podTemplate", "spec.statefulSet.podTemplate")
_JOB = "spec.jobTemplate.spec.template"
_JOBS = "replicatedJobs[*].template.spec.template"
_SCALE_SET = (_SPEC, "spec.listenerTemplate")
_FLINK = (_POD, "spec.jobManager.podTemplate", "spec.taskManager.podTemplate")
_DASK = ("spec.scheduler.spec", "spec.worker.spec")
_ROLES = ("leader", "worker")
_RAY = ("headGroupSpec.template", "workerGroupSpecs[*].template")
_LLM = ("template", "worker", "prefill.template", "prefill.worker", "router.scheduler.template")
_KRUISE_SETS = (
    "statefulSetTemplate",
    "advancedStatefulSetTemplate",
    "cloneSetTemplate",
    "deploymentTemplate",
)

TEMPLATES: tuple[Template, ...] = (
    *_rows("", "Pod", ""),
    # Nothing runs a PodTemplate as it is: Flyte and others complete it, Kueue only asks for room.
    *_rows("", "PodTemplate", "template", partial=True, movable=True),
    *_rows("", "ReplicationController", _SPEC),
    *_rows("apps", "Deployment ReplicaSet StatefulSet", _SPEC),
    *_rows("apps", "DaemonSet", _SPEC, every_node=True),
    *_rows("batch", "Job", _SPEC),
    *_rows("batch", "CronJob", _JOB),
    # Argo
    *_rows("argoproj.io", "Rollout", _SPEC),
    *_rows("argoproj.io", "Experiment", "spec.templates[*].template"),
    *_rows(
        "argoproj.io",
        "AnalysisTemplate ClusterAnalysisTemplate AnalysisRun",
        "spec.metrics[*].provider.job.spec.template",
    ),
    *_rows(
        "argoproj.io",
        "Workflow WorkflowTemplate ClusterWorkflowTemplate",
        "spec.templates[*]",
        holds="argo",
        partial=True,
        movable=True,
    ),
    *_rows(
        "argoproj.io",
        "CronWorkflow",
        "spec.workflowSpec.templates[*]",
        holds="argo",
        partial=True,
        movable=True,
    ),
    # Knative, KServe
    *_rows("serving.knative.dev", "Service Configuration", _SPEC),
    *_rows("serving.knative.dev", "Revision", ""),
    *_rows("sources.knative.dev", "ContainerSource", _SPEC),
    *_rows("sinks.knative.dev", "JobSink", "spec.job.spec.template"),
    *_rows(
        "serving.kserve.io",
        "InferenceService",
        *("spec.predictor", "spec.predictor.workerSpec", "spec.transformer", "spec.explainer"),
        holds="spec",
        partial=True,
    ),
    *_rows(
        "serving.kserve.io",
        "ServingRuntime ClusterServingRuntime",
        *("spec", "spec.workerSpec"),
        holds="spec",
        partial=True,
        movable=True,
    ),
    *_rows(
        "serving.kserve.io",
        "LLMInferenceService LLMInferenceServiceConfig",
        *(f"spec.{path}" for path in _LLM),
        holds="spec",
        partial=True,
        movable=True,
    ),
    # Ray
    *_rows("ray.io", "RayCluster", *(f"spec.{path}" for path in _RAY), partial=True),
    *_rows(
        "ray.io",
        "RayJob",
        *(f"spec.rayClusterSpec.{path}" for path in _RAY),
        "spec.submitterPodTemplate",
        partial=True,
    ),
    *_rows(
        "ray.io", "RayService", *(f"spec.rayClusterConfig.{path}" for path in _RAY), partial=True
    ),
    *_rows(
        "ray.io",
        "RayCronJob",
        *(f"spec.jobTemplate.rayClusterSpec.{path}" for path in _RAY),
        partial=True,
    ),
    # Batch
    *_rows("jobset.x-k8s.io", "JobSet", f"spec.{_JOBS}"),
    *_rows("batch.volcano.sh", "Job", "spec.tasks[*].template"),
    *_rows("batch.volcano.sh", "CronJob", "spec.jobTemplate.spec.tasks[*].template"),
    *_rows("flow.volcano.sh", "JobTemplate", "spec.tasks[*].template"),
    *_rows(
        "leaderworkerset.x-k8s.io",
        "LeaderWorkerSet",
        "spec.leaderWorkerTemplate.leaderTemplate",
        "spec.leaderWorkerTemplate.workerTemplate",
    ),
    *_rows(
        "disaggregatedset.x-k8s.io",
        "DisaggregatedSet",
        *(f"spec.roles[*].spec.leaderWorkerTemplate.{role}Template" for role in _ROLES),
        *(f"spec.roles[*].leaderWorkerTemplate.{role}Template" for role in _ROLES),  # v1alpha1
    ),
    *_rows("workload.codeflare.dev", "AppWrapper", "spec.components[*].template", holds="object"),
    *_rows("keda.sh", "ScaledJob", "spec.jobTargetRef.template"),
    # Kubeflow, Spark
    *_rows("kubeflow.org", "PyTorchJob", "spec.pytorchReplicaSpecs.*.template"),
    *_rows("kubeflow.org", "TFJob", "spec.tfReplicaSpecs.*.template"),
    *_rows("kubeflow.org", "MPIJob", "spec.mpiReplicaSpecs.*.template", partial=True),
    *_rows("kubeflow.org", "XGBoostJob", "spec.xgbReplicaSpecs.*.template"),
    *_rows("kubeflow.org", "PaddleJob", "spec.paddleReplicaSpecs.*.template"),
    *_rows("kubeflow.org", "JAXJob", "spec.jaxReplicaSpecs.*.template"),
    *_rows("kubeflow.org", "MXJob", "spec.mxReplicaSpecs.*.template"),
    *_rows("kubeflow.org", "Notebook", _SPEC),
    *_rows(
        "trainer.kubeflow.org",
        "TrainingRuntime ClusterTrainingRuntime",
        f"spec.template.spec.{_JOBS}",
        partial=True,
        movable=True,
    ),
    *_rows(
        "sparkoperator.k8s.io",
        "SparkApplication",
        *("spec.driver.template", "spec.executor.template"),
        partial=True,
    ),
    *_rows(
        "sparkoperator.k8s.io",
        "ScheduledSparkApplication",
        *("spec.template.driver.template", "spec.template.executor.template"),
        partial=True,
    ),
    *_rows(
        "sparkoperator.k8s.io",
        "SparkConnect",
        *("spec.server.template", "spec.executor.template"),
        partial=True,
    ),
    # Tekton
    *_rows("tekton.dev", "Task ClusterTask", "spec", holds="tekton", partial=True, movable=True),
    *_rows("tekton.dev", "TaskRun", "spec.taskSpec", holds="tekton", partial=True, movable=True),
    *_rows(
        "tekton.dev",
        "Pipeline",
        "spec.tasks[*].taskSpec",
        holds="tekton",
        partial=True,
        movable=True,
    ),
    *_rows(
        "tekton.dev",
        "PipelineRun",
        "spec.pipelineSpec.tasks[*].taskSpec",
        holds="tekton",
        partial=True,
        movable=True,
    ),
    # Game servers and runners: an Agones Fleet is as a Deployment, and ARC adds to its runners
    *_rows("agones.dev", "GameServer", _SPEC),
    *_rows("agones.dev", "GameServerSet Fleet", f"{_SPEC}.spec.template"),
    *_rows("game.kruise.io", "GameServerSet", "spec.gameServerTemplate"),
    *_rows("actions.github.com", "AutoscalingRunnerSet", *_SCALE_SET, partial=True),
    *_rows("actions.github.com", "EphemeralRunnerSet", "spec.ephemeralRunnerSpec", partial=True),
    *_rows("actions.github.com", "EphemeralRunner", "spec", partial=True),
    *_rows("actions.summerwind.dev", "RunnerDeployment RunnerSet", _SPEC, partial=True),
    *_rows("actions.summerwind.dev", "RunnerReplicaSet", _SPEC, partial=True),
    # Streams, models and clusters for computing: operators complete the templates
    *_rows("flink.apache.org", "FlinkDeployment", *_FLINK, partial=True),
    *_rows(
        "machinelearning.seldon.io",
        "SeldonDeployment",
        "spec.predictors[*].componentSpecs[*]",
        partial=True,
    ),
    *_rows("kubernetes.dask.org", "DaskCluster", *_DASK, holds="spec", partial=True),
    *_rows("cassandra.datastax.com", "CassandraDatacenter", "spec.podTemplateSpec", partial=True),
    # Others that run pods
    *_rows("apps.openshift.io", "DeploymentConfig", _SPEC),
    *_rows("grafana.integreatly.org", "Grafana", "spec.deployment.spec.template", partial=True),
    *_rows("core.strimzi.io", "StrimziPodSet", "spec.pods[*]"),
    *_rows("agents.x-k8s.io", "Sandbox", "spec.podTemplate"),
    *_rows("extensions.agents.x-k8s.io", "SandboxTemplate", "spec.podTemplate"),
    *_rows(
        "monitoring.coreos.com",
        "Prometheus PrometheusAgent Alertmanager ThanosRuler",
        "spec",
        holds="spec",
        partial=True,
    ),
    # Elastic: what a template leaves out, an image among it, the operator adds
    *_rows(
        "elasticsearch.k8s.elastic.co",
        "Elasticsearch",
        "spec.nodeSets[*].podTemplate",
        partial=True,
    ),
    *_rows("kibana.k8s.elastic.co", "Kibana", _POD, partial=True),
    *_rows("apm.k8s.elastic.co", "ApmServer", _POD, partial=True),
    *_rows("logstash.k8s.elastic.co", "Logstash", _POD, partial=True),
    *_rows("maps.k8s.elastic.co", "ElasticMapsServer", _POD, partial=True),
    *_rows("beat.k8s.elastic.co", "Beat", "spec.deployment.podTemplate", partial=True),
    *_rows("agent.k8s.elastic.co", "Agent", *_AGENT, partial=True),
    *_rows("beat.k8s.elastic.co", "Beat", _ON_EACH, every_node=True, partial=True),
    *_rows("agent.k8s.elastic.co", "Agent", _ON_EACH, every_node=True, partial=True),
    # OpenKruise
    *_rows("apps.kruise.io", "CloneSet StatefulSet", _SPEC),
    *_rows("apps.kruise.io", "DaemonSet BroadcastJob", _SPEC, every_node=True),
    *_rows("apps.kruise.io", "AdvancedCronJob", "spec.template.jobTemplate.spec.template"),
    *_rows(
        "apps.kruise.io",
        "AdvancedCronJob",
        "spec.template.broadcastJobTemplate.spec.template",
        every_node=True,
    ),
    *_rows(
        "apps.kruise.io",
        "UnitedDeployment",
        *(f"spec.template.{path}.spec.template" for path in _KRUISE_SETS),
        partial=True,
        movable=True,
    ),
    *_rows("apps.kruise.io", "SidecarSet", "spec", holds="spec", partial=True, movable=True),
)
