"""A node's messages in the server's answers: the types of the message contract, as they are on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from device.publish.contract import Payload, as_json
from device.publish.json_schema import inline_schema


class AsPublished:
    """Marker of a field that is a type of the contract: ``Annotated[contract.State, AsPublished]``."""

    @classmethod
    def __get_pydantic_core_schema__(cls, kind: type[Payload], _handler: GetCoreSchemaHandler) -> CoreSchema:
        """It is made by ``device.publish.decode.decode`` alone, and goes out as it came."""
        written = core_schema.plain_serializer_function_ser_schema(as_json)
        return core_schema.is_instance_schema(kind, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The contract's own."""
        kind: type[Payload] = schema["cls"]
        return inline_schema(kind)
