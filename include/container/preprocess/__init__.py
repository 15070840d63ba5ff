"""The Processing job that turns raw CSV into a training data set: ``python3 -m container.preprocess``.

Inputs: ``code`` (with spec.json), ``raw`` (CSV files, plain or gzip, anywhere below it). Outputs:
``dataset`` (train/, validation/ and test/ with part-*.parquet, and manifest.json, written last: a
data set without a manifest is not one) and ``quarantine`` (quarantine.csv). The environment's
FRUGAL_FINGERPRINT goes into the manifest.

The same raw files, code and specification give the same Parquet files, byte for byte, on any number
of processors. Peak memory is about 200 MiB and 150 MiB more for each processor, whatever the input's
size; scratch space is 20 bytes a row when there is a unique key.
"""
