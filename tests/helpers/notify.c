/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notify TEXT...: sends each text to $NOTIFY_SOCKET, as sd_notify(3) does; for images without
 * systemd's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char *argv[])
{
	const char *path = getenv("NOTIFY_SOCKET");
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0), i;
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (!path || strlen(path) >= sizeof(a.sun_path)) {
		(void)fputs("notify: no NOTIFY_SOCKET\n", stderr);
		return 1;
	}
	strcpy(a.sun_path, path);
	for (i = 1; i < argc; i++) {
		if (sendto(sock, argv[i], strlen(argv[i]), 0, (struct sockaddr *)&a, sizeof(a)) <
		    0) {
			perror("notify");
			return 1;
		}
	}
	return 0;
}
