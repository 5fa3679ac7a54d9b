# Writes lme4.csv into this folder: the mixed models of table.csv by lme4, REML, its optimizer run on to a tolerance of 1e-12.
# usage: Rscript make_lme4.R
library(lme4)
table <- read.csv("table.csv", stringsAsFactors = TRUE)
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e5))
rows <- lapply(paste0("f", 1:6), function(name) {
  fit <- lmer(as.formula(paste(name, "~ scanner + age + years + (1 | person)")), table, REML = TRUE, control = control)
  effect <- c(0, fixef(fit)[c("scannerB", "scannerC")])
  effect <- effect - sum(effect * table(table$scanner)) / nrow(table)
  data.frame(feature = name, scale = sigma(fit)^2, ratio = getME(fit, "theta")^2, age = fixef(fit)["age"], years = fixef(fit)["years"],
             A = effect[1], B = effect[2], C = effect[3], lme4 = as.character(packageVersion("lme4")), R = as.character(getRversion()))
})
options(digits = 17)
write.csv(do.call(rbind, rows), "lme4.csv", row.names = FALSE, quote = FALSE)
