/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One direction of a connection with messages: unix sockets stand for SCTP, which few kernels have.
 */
#include "cmd/jail-proxy/pump.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void message_pair(int ret[2])
{
	int small = 1;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(setsockopt(ret[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
				 0);
}

/* As SCTP goes: one message stays one, also when it can't be sent at once. */
static void test_messages(void **state)
{
	static char room[PUMP_CHUNK];
	struct direction d;
	char text[4096];
	int in[2], out[2], sent = 0, heard = 0;

	(void)state;
	message_pair(in);
	message_pair(out);
	pump_init(&d, room);
	for (int round = 0; round < 200; round++) {
		int n = snprintf(text, sizeof(text), "%d %*s", sent, sent % 700, "");

		if (send(in[0], text, (size_t)n + 1, MSG_DONTWAIT) > 0)
			sent++;
		assert_true(pump_run(&d, in[1], out[1]));
		if (round % 3 == 0 && recv(out[0], text, sizeof(text), MSG_DONTWAIT) > 0) {
			assert_int_equal(strlen(text),
					 snprintf(NULL, 0, "%d %*s", heard, heard % 700, ""));
			heard++;
		}
	}
	assert_true(sent > heard + 1 && d.fill > 0);
	assert_int_equal(shutdown(in[0], SHUT_WR), 0);
	for (;;) {
		ssize_t n = recv(out[0], text, sizeof(text), MSG_DONTWAIT);

		if (n == 0)
			break;
		if (n > 0) {
			int number = -1;

			assert_int_equal(sscanf(text, "%d", &number), 1);
			assert_int_equal(number, heard);
			heard++;
		}
		assert_true(pump_run(&d, in[1], out[1]));
	}
	assert_int_equal(heard, sent);
	for (int i = 0; i < 2; i++) {
		(void)close(in[i]);
		(void)close(out[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
