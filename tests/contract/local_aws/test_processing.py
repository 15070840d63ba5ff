"""Processing jobs, from plain boto3."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.waiting import await_true

from .conftest import BUCKET, LocalAws, await_processing, processing_request, s3_input, s3_output


def test_inputs_arrive_and_outputs_leave(sagemaker: Any, s3: Any, name: str) -> None:
    for key in ("raw/a.txt", "raw/deep/b.txt"):
        s3.put_object(Bucket=BUCKET, Key=f"{name}/{key}", Body=key.encode())
    script = (
        'files = sorted(p for p in (base / "processing/input/raw").rglob("*") if p.is_file())\n'
        'text = ",".join(p.read_text() for p in files) + " " + sys.argv[1]\n'
        'deep = base / "processing/output/result/deep"; deep.mkdir()\n'
        '(deep / "out.txt").write_text(text)\n'
        '(base / "output/message").write_text("two files read")\n'
    )
    inputs = [s3_input("raw", f"s3://{BUCKET}/{name}/raw/")]
    outputs = [s3_output("result", f"s3://{BUCKET}/{name}/out")]
    request = processing_request(
        s3, name, script, "/opt/ml/processing/x", inputs=inputs, outputs=outputs
    )
    sagemaker.create_processing_job(**request)
    job = await_processing(sagemaker, name)
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "two files read")
    assert job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    body = s3.get_object(Bucket=BUCKET, Key=f"{name}/out/deep/out.txt")["Body"].read().decode()
    files, argument = body.split()
    assert files == "raw/a.txt,raw/deep/b.txt"
    assert argument.endswith("/processing/x")
    assert argument != "/opt/ml/processing/x"


def test_a_single_object_and_a_manifest_are_inputs_too(sagemaker: Any, s3: Any, name: str) -> None:
    for key in ("one.txt", "two.txt", "three.txt"):
        s3.put_object(Bucket=BUCKET, Key=f"{name}/{key}", Body=b"x")
    manifest = [{"prefix": f"s3://{BUCKET}/{name}/"}, "one.txt", "three.txt"]
    s3.put_object(Bucket=BUCKET, Key=f"{name}.manifest", Body=json.dumps(manifest).encode())
    script = (
        'names = sorted(p.name for p in (base / "processing/input").rglob("*.txt"))\n'
        '(base / "output/message").write_text(" ".join(names))\n'
    )
    inputs = [
        s3_input("single", f"s3://{BUCKET}/{name}/two.txt"),
        s3_input("listed", f"s3://{BUCKET}/{name}.manifest", "ManifestFile"),
    ]
    sagemaker.create_processing_job(**processing_request(s3, name, script, inputs=inputs))
    assert await_processing(sagemaker, name)["ExitMessage"] == "one.txt three.txt two.txt"


def test_a_failure_keeps_the_message_and_uploads_nothing(
    sagemaker: Any, s3: Any, name: str
) -> None:
    script = (
        '(base / "processing/output/result/half").write_text("x")\n'
        '(base / "output/message").write_text("line 7 is not a number")\n'
        "sys.exit(1)\n"
    )
    outputs = [s3_output("result", f"s3://{BUCKET}/{name}/out")]
    sagemaker.create_processing_job(**processing_request(s3, name, script, outputs=outputs))
    job = await_processing(sagemaker, name)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["ExitMessage"] == "line 7 is not a number"
    assert job["FailureReason"].startswith("AlgorithmError")
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/out")["KeyCount"] == 0


def test_continuous_outputs_arrive_while_the_job_runs(sagemaker: Any, s3: Any, name: str) -> None:
    script = (
        'out = base / "processing/output/log"\n'
        '(out / "early.txt").write_text("done")\n'
        'growing = (out / "growing.txt").open("w"); growing.write("half"); growing.flush()\n'
        "time.sleep(3600)\n"
    )
    outputs = [s3_output("log", f"s3://{BUCKET}/{name}/log", "Continuous")]
    sagemaker.create_processing_job(**processing_request(s3, name, script, outputs=outputs))

    def keys() -> list[str]:
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/log/").get("Contents", [])
        return [entry["Key"].rpartition("/")[2] for entry in found]

    assert await_true(keys, "the early file") == ["early.txt"]
    sagemaker.stop_processing_job(ProcessingJobName=name)
    assert await_processing(sagemaker, name)["ProcessingJobStatus"] == "Stopped"
    assert keys() == ["early.txt", "growing.txt"]


def test_the_environment_is_scrubbed_and_rewritten(sagemaker: Any, s3: Any, name: str) -> None:
    script = (
        'names = " ".join(sorted(os.environ)); where = os.environ["WHERE"]\n'
        '(base / "output/message").write_text(names + "|" + where.replace(str(base), "BASE"))\n'
    )
    request = processing_request(s3, name, script)
    request["Environment"] = {"WHERE": "/opt/ml/processing:/opt/mlx:/opt/ml"}
    sagemaker.create_processing_job(**request)
    names, where = await_processing(sagemaker, name)["ExitMessage"].split("|")
    assert where == "BASE/processing:/opt/mlx:BASE"
    assert {"AWS_ENDPOINT_URL", "AWS_REGION", "HOME", "PATH", "SAGEMAKER_BASE_DIR"} <= set(
        names.split()
    )
    assert not {"FRUGAL_HOME", "PYTHONPATH", "USER"} & set(names.split())


def test_a_program_that_does_not_exist_is_said_so(sagemaker: Any, s3: Any, name: str) -> None:
    request = processing_request(s3, name, "")
    request["AppSpecification"]["ContainerEntrypoint"] = ["no-such-program"]
    sagemaker.create_processing_job(**request)
    job = await_processing(sagemaker, name)
    assert 'exec: "no-such-program": executable file not found' in job["FailureReason"]


def test_processes_of_a_job_end_with_it(
    local_aws: LocalAws, sagemaker: Any, s3: Any, name: str
) -> None:
    script = "subprocess.Popen(['sleep', '4321'], start_new_session=True)"
    sagemaker.create_processing_job(**processing_request(s3, name, script))
    assert await_processing(sagemaker, name)["ProcessingJobStatus"] == "Completed"
    assert not [p for p in local_aws.processes() if "sleep 4321" in p]
