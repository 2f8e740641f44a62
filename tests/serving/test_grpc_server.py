import asyncio

import pytest
from mlserver.settings import Settings

from tfvae.errors import UserError
from tfvae.serving.grpc_server import GrpcServer


def test_a_port_that_is_taken_is_a_mistake_in_a_line():
    async def twice():
        first = GrpcServer(Settings(host="127.0.0.1", grpc_port=0), None, None)
        first.bind()
        second = GrpcServer(Settings(host="127.0.0.1", grpc_port=first.port), None, None)
        try:
            with pytest.raises(UserError, match=f"--grpc_port={first.port}: cannot listen at 127.0.0.1:{first.port}; choose another"):
                second.bind()
        finally:
            await first._server.stop(None)

    asyncio.run(twice())
