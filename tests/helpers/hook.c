/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	hook FILE [ARG...]
 *
 * A hook that appends to FILE what it was given, in a form that can be compared (rows 6, 87): "argv
 * A|B", a line "env NAME=VALUE" for each, "cwd PATH", "fd N" for each that is open, and "stdin"
 * with the state. Linked dynamically it is what LD_PRELOAD of an image would catch.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static void print_stdin(FILE *f)
{
	char text[4096];
	ssize_t n;

	(void)fprintf(f, "stdin ");
	while ((n = read(STDIN_FILENO, text, sizeof(text))) > 0)
		(void)fwrite(text, 1, (size_t)n, f);
	(void)fprintf(f, "\n");
}

int main(int argc, char **argv)
{
	char cwd[4096];
	FILE *f;

	if (argc < 2)
		return 64;
	f = fopen(argv[1], "ae");
	if (!f)
		return 1;
	(void)fprintf(f, "argv ");
	for (int i = 0; i < argc; i++)
		(void)fprintf(f, "%s%s", i ? "|" : "", argv[i]);
	(void)fprintf(f, "\n");
	for (char **e = environ; *e; e++)
		(void)fprintf(f, "env %s\n", *e);
	(void)fprintf(f, "cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : strerror(errno));
	for (int i = 0; i < 256; i++)
		if (i != fileno(f) && fcntl(i, F_GETFD) >= 0)
			(void)fprintf(f, "fd %d\n", i);
	print_stdin(f);
	return fclose(f) != 0;
}
