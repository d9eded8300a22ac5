"""The transformation, as columns of Spark: parse, time features, text, deduplicate, write.

What Spark has it does itself; the text goes through one function of Python (`workers.spark_job.text`), since Spark has
neither Unicode's normal forms nor a lexicon.
"""

from __future__ import annotations

from typing import Any

from pyspark.sql import functions as f
from pyspark.sql import types as t

from workers.spark_job.settings import ALL, LIST, Settings
from workers.spark_job.text import features_of

_REVIEW = t.StructType(
    [
        t.StructField("id", t.StringType()),
        t.StructField("job_id", t.StringType()),
        t.StructField("review_id", t.LongType()),
        t.StructField("product_id", t.StringType()),
        t.StructField("rating", t.IntegerType()),
        t.StructField("review_text", t.StringType()),
        t.StructField("written_at", t.StringType()),
    ]
)
_TEXT = t.StructType(
    [
        t.StructField("text", t.StringType()),
        t.StructField("language", t.StringType()),
        t.StructField("words", t.IntegerType()),
        t.StructField("quality", t.DoubleType()),
        t.StructField("sentiment", t.StringType()),
        t.StructField("score", t.DoubleType()),
    ]
)
_NEEDED = ("id", "job_id", "rating", "review_text", "written_at")
_ALL = (*_NEEDED, "review_id", "product_id", "value", "topic", "partition", "offset", "timestamp")
_PERIOD = "1 hour"
_FRIDAY = 4
UNREADABLE = "unreadable"
"""Metrics that the job observes: messages that are no review; the sink makes them dead letters."""


def read(messages: Any, settings: Settings) -> Any:
    """Return reviews out of *messages* of Kafka, with the columns that are wanted, and their event time."""
    parsed = messages.withColumn("review", f.from_json(f.col("value").cast("string"), _REVIEW)).withColumn(
        "written_at", f.col("review.written_at").cast("timestamp")
    )
    named = parsed.observe(
        UNREADABLE,
        f.count(f.lit(1)).alias("messages"),
        f.count(f.when(f.col("review.id").isNull() | f.col("written_at").isNull(), 1)).alias("unreadable"),
    ).where(f.col("review.id").isNotNull() & f.col("written_at").isNotNull())
    wanted = _ALL if settings.spark_columns == ALL else _NEEDED
    own = {field.name for field in _REVIEW.fields} - {"written_at"}
    return named.select(*(f.col(f"review.{name}") if name in own else f.col(name) for name in wanted))


def deduplicate(reviews: Any, settings: Settings) -> Any:
    """Return each review once as far back as the watermark reaches.

    In lists there is no second step with state: a list holds a review once, and is written whole whenever one comes.
    """
    late = reviews.withWatermark("written_at", settings.spark_watermark)
    if settings.spark_mode != LIST:
        return late.dropDuplicates(["id", "written_at"])
    collected = late.groupBy(f.window("written_at", _PERIOD), "job_id").agg(
        f.collect_list(f.struct(*reviews.columns)).alias("list")
    )
    by_id = f.map_from_entries(f.transform("list", lambda one: f.struct(one["id"], one)))
    return collected.select(f.explode(f.map_values(by_id)).alias("one")).select("one.*")


def features(reviews: Any) -> Any:
    """Return the messages to write: key and value."""
    analysed = reviews.withColumn("found", f.udf(features_of, _TEXT)("review_text")).withColumn(
        "weekday", f.weekday("written_at")
    )
    value = f.struct(
        "id",
        "job_id",
        "rating",
        *(f.col(f"found.{field.name}") for field in _TEXT.fields),
        f.hour("written_at").alias("hour"),
        "weekday",
        (f.col("weekday") > _FRIDAY).alias("weekend"),
    )
    return analysed.select(f.col("id").alias("key"), f.to_json(value).alias("value"))
