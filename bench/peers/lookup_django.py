"""The same lookup by the field's usual stack: Django, Django REST framework, gunicorn; run by the peers' own Python.

SHELFWIRE_BENCH_DB=FILE gunicorn --worker-class gthread ... bench.peers.lookup_django

Set up for speed as its own guides say: no debugging, no authentication, no sessions, JSON alone, connections to the
database kept, one query for the code with its item and one for the item's figures. The file is written by `bench`.
"""

from __future__ import annotations

import os

import django  # pyright: ignore[reportMissingImports]
from django.conf import settings  # pyright: ignore[reportMissingImports]

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["SHELFWIRE_BENCH_DB"],
            "CONN_MAX_AGE": None,
        }
    },
    DEBUG=False,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["rest_framework"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a benchmark",  # noqa: S106 - nothing is signed with it
    USE_I18N=False,
    USE_TZ=True,
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402  # pyright: ignore[reportMissingImports]
from django.db import models  # noqa: E402  # pyright: ignore[reportMissingImports]
from django.urls import path  # noqa: E402  # pyright: ignore[reportMissingImports]
from rest_framework import generics, serializers  # noqa: E402  # pyright: ignore[reportMissingImports]


class Item(models.Model):  # type: ignore[misc]
    """An item with its price."""

    item = models.CharField(max_length=64, primary_key=True)
    name = models.CharField(max_length=200)
    unit = models.CharField(max_length=8)
    minor = models.IntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        app_label = "bench"
        managed = False
        db_table = "item"


class Code(models.Model):  # type: ignore[misc]
    """A code and what it means."""

    code = models.CharField(max_length=64, primary_key=True)
    item = models.ForeignKey(Item, models.CASCADE, db_column="item")
    factor_milli = models.IntegerField()

    class Meta:
        app_label = "bench"
        managed = False
        db_table = "code"


class Stock(models.Model):  # type: ignore[misc]
    """An item's figures in an area."""

    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey(Item, models.CASCADE, db_column="item", related_name="stock")
    area = models.CharField(max_length=64)
    on_hand_milli = models.BigIntegerField()
    lo_milli = models.BigIntegerField()
    hi_milli = models.BigIntegerField()
    available_milli = models.BigIntegerField()
    unanchored = models.BooleanField()
    ambiguous = models.IntegerField()
    counted_us = models.BigIntegerField(null=True)

    class Meta:
        app_label = "bench"
        managed = False
        db_table = "stock"


class StockSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """Figures as the hub tells them."""

    class Meta:
        model = Stock
        exclude = ("id", "item")


class ItemSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """An item with its figures."""

    stock = StockSerializer(many=True)

    class Meta:
        model = Item
        fields = ("item", "name", "unit", "minor", "currency", "stock")


class CodeSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    """A code with its item."""

    item = ItemSerializer()

    class Meta:
        model = Code
        fields = ("code", "factor_milli", "item")


class LookUp(generics.RetrieveAPIView):  # type: ignore[misc]
    """The lookup."""

    queryset = Code.objects.select_related("item").prefetch_related("item__stock")
    serializer_class = CodeSerializer
    lookup_field = "code"


urlpatterns = [path("lookup/<code>", LookUp.as_view())]
application = get_wsgi_application()
